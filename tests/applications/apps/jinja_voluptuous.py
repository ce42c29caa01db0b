"""jinja and voluptuous: an environment with templates, one of them compiled; a schema, a parser of arguments."""

import argparse
import contextvars

import jinja2
import voluptuous

GROUP = "libraries"
PACKAGES = ("jinja2", "voluptuous")

LANGUAGE = contextvars.ContextVar("language", default="en")


def shout(text):
    return text.upper()


def build(folder):
    pages = {
        "base": "<{% block body %}{% endblock %}>",
        "page": "{% extends 'base' %}{% block body %}{{ who|shout }}{% endblock %}",
    }
    environment = jinja2.Environment(loader=jinja2.DictLoader(pages), autoescape=True)
    environment.filters["shout"] = shout
    schema = voluptuous.Schema({voluptuous.Required("who"): voluptuous.All(str, voluptuous.Length(min=2))})
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("--who", default="Ada")
    return {
        "environment": environment,
        "template": environment.get_template("page"),
        "schema": schema,
        "parser": parser,
        "language": LANGUAGE,
    }


def facts(application):
    return {"filters": len(application["environment"].filters), "template": application["template"].name}


def use(application, folder):
    values = application["schema"](vars(application["parser"].parse_args(["--who", "Bob & Co"])))
    assert application["template"].render(values) == "<BOB &amp; CO>"
    assert application["template"].environment is application["environment"]
    assert application["environment"].get_template("page").render(who="x") == "<X>"
    assert application["language"] is LANGUAGE
