"""urwid: a tree of widgets with texts, buttons and signals, that a screen of one's own shows."""

import urwid

GROUP = "unseen"
PACKAGES = ("urwid",)


class Window:
    def __init__(self):
        self.presses = 0
        self.text = urwid.Text([("title", "Shop"), " open"])
        self.edit = urwid.Edit("Name: ", "Ann")
        self.button = urwid.Button("Buy", self.bought, "bolt")
        self.check = urwid.CheckBox("Gift", state=True)
        walker = urwid.SimpleFocusListWalker([self.text, self.edit, self.check, self.button])
        self.top = urwid.Frame(urwid.AttrMap(urwid.ListBox(walker), "body"), header=urwid.Text("Header"))
        walker.set_focus(1)
        urwid.connect_signal(self.edit, "change", self.changed)

    def bought(self, button, item):
        self.presses += 1
        self.item = item

    def changed(self, edit, text):
        self.name = text


def build(folder):
    window = Window()
    window.top.keypress((20, 8), "e")
    return window


def facts(window):
    return {"screen": [line.decode() for line in window.top.render((20, 8), focus=True).text], "name": window.name}


def use(window, folder):
    window.top.keypress((20, 8), "!")
    assert window.name == window.edit.edit_text == "Anne!"
    window.top.body.base_widget.set_focus(3)
    window.top.keypress((20, 8), "enter")
    assert (window.presses, window.item) == (1, "bolt")
