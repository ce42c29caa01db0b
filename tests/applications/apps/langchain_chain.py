"""langchain-core: a chain of a prompt, a model of one's own and a parser, with its history of messages."""

from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool

GROUP = "data"
PACKAGES = ("langchain-core",)


@tool
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def shout(text):
    return text.upper()


class Assistant:
    def __init__(self):
        self.history = InMemoryChatMessageHistory()
        prompt = ChatPromptTemplate.from_messages(
            [("system", "Be {style}."), MessagesPlaceholder("history"), ("human", "{question}")]
        )
        model = FakeListChatModel(responses=["forty", "two"])
        self.chain = prompt | model | StrOutputParser() | RunnableParallel(loud=RunnableLambda(shout), length=len)
        self.tools = [double]

    def ask(self, question):
        answer = self.chain.invoke({"style": "brief", "history": self.history.messages, "question": question})
        self.history.add_user_message(question)
        self.history.add_ai_message(answer["loud"])
        return answer


def build(folder):
    assistant = Assistant()
    assistant.ask("How many?")
    return assistant


def facts(assistant):
    return {
        "history": [[message.type, message.content] for message in assistant.history.messages],
        "inputs": sorted(assistant.chain.first.input_variables),
        "tools": [one.args for one in assistant.tools],
    }


async def use(assistant, folder):
    assert assistant.ask("And?") == {"loud": "TWO", "length": 3}
    assert len(assistant.history.messages) == 4
    assert await assistant.tools[0].ainvoke({"number": 21}) == 42
