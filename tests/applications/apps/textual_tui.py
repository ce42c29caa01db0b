"""textual: an application of a terminal with widgets and a binding."""

from textual.app import App
from textual.widgets import Button, Static

GROUP = "libraries"
PACKAGES = ("textual",)


class Shop(App):
    BINDINGS = (("q", "leave", "Leave"),)

    def __init__(self):
        super().__init__()
        self.sold = 3

    def compose(self):
        yield Static("Shop")
        yield Button("Sell", id="sell")

    def on_button_pressed(self):
        self.sold += 1

    def action_leave(self):
        self.exit(self.sold)


def build(folder):
    return Shop()


def facts(app):
    return {"sold": app.sold, "title": app.title}


async def use(app, folder):
    async with app.run_test() as pilot:
        await pilot.click("#sell")
        await pilot.press("q")
    assert app.return_value == 4
