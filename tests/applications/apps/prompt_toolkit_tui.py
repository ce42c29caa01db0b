"""prompt_toolkit: an application with a layout, a buffer and bindings of keys."""

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.input import DummyInput, create_pipe_input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import BufferControl, HSplit, Layout, Window
from prompt_toolkit.output import DummyOutput

GROUP = "libraries"
PACKAGES = ("prompt-toolkit",)


def leave(event):
    event.app.exit(event.app.layout.current_buffer.text)


def build(folder):
    bindings = KeyBindings()
    bindings.add("c-q")(leave)
    layout = Layout(HSplit([Window(BufferControl(Buffer(name="text")))]))
    return Application(layout=layout, key_bindings=bindings, input=DummyInput(), output=DummyOutput())


def facts(app):
    return {"buffer": app.layout.current_buffer.name, "bindings": len(app.key_bindings.bindings)}


async def use(app, folder):
    before = app.input
    with create_pipe_input() as keys:
        app.input = keys
        keys.send_text("shop\x11")
        assert await app.run_async() == "shop"
    app.input = before
