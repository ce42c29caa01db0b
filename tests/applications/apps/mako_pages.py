"""mako: a lookup of templates in a folder, with one that inherits."""

from mako.lookup import TemplateLookup
from mako.template import Template

GROUP = "unseen"
PACKAGES = ("mako",)


class Pages:
    def __init__(self, folder):
        self.lookup = TemplateLookup([str(folder)], collection_size=10)
        self.small = Template("${name.upper()} % x", default_filters=["h"])
        self.page = self.lookup.get_template("page.html")


def build(folder):
    (folder / "base.html").write_text("<h1>${self.title()}</h1>${self.body()}")
    (folder / "page.html").write_text('<%inherit file="base.html"/><%def name="title()">Shop</%def>${", ".join(items)}')
    return Pages(folder)


def facts(pages):
    return {"page": pages.page.render(items=["a", "b"]), "small": pages.small.render(name="<a>")}


def use(pages, folder):
    assert pages.lookup.get_template("page.html").render(items=["x"]).startswith("<h1>Shop</h1>x")
