"""ply: a lexer in the middle of its text, and another one of an object that counts."""

import ply.lex

GROUP = "unseen"
PACKAGES = ("ply",)


class Words:
    tokens = ("WORD", "NUMBER")
    t_ignore = " "
    t_WORD = r"[a-z]+"  # noqa: N815 - ply's name

    def __init__(self):
        self.numbers = 0
        self.lexer = ply.lex.lex(object=self)

    def t_NUMBER(self, token):
        r"\d+"
        self.numbers += 1
        token.value = int(token.value)
        return token

    def t_error(self, token):
        raise ValueError(token.value)


def build(folder):
    words = Words()
    words.lexer.input("tea 3 milk 12")
    assert [words.lexer.token().value for _ in range(2)] == ["tea", 3]
    return words


def facts(words):
    return {"at": words.lexer.lexpos, "numbers": words.numbers, "match": words.lexer.lexmatch.group()}


def use(words, folder):
    assert [(one.type, one.value) for one in words.lexer] == [("WORD", "milk"), ("NUMBER", 12)]
    assert words.numbers == 2
    words.lexer.input("7")
    assert words.lexer.token().value == 7
