"""marshmallow: schemas with nested fields, validators and hooks."""

from marshmallow import Schema, ValidationError, fields, post_load, validate

GROUP = "unseen"
PACKAGES = ("marshmallow",)


class Line(Schema):
    item = fields.String(required=True, validate=validate.Length(min=2))
    number = fields.Integer(load_default=1, validate=[validate.Range(1, 9)])


class Order(Schema):
    name = fields.String(required=True)
    lines = fields.List(fields.Nested(Line), required=True)
    day = fields.Date()

    @post_load
    def count(self, data, **more):
        return {**data, "count": sum(line["number"] for line in data["lines"])}


def build(folder):
    return {"one": Order(), "short": Order(only=["name"], many=True), "made": Schema.from_dict({"a": fields.Email()})()}


def facts(schemas):
    return {name: sorted(schema.fields) for name, schema in schemas.items()} | {"many": schemas["short"].many}


def use(schemas, folder):
    order = schemas["one"].load({"name": "Ann", "lines": [{"item": "bolt"}, {"item": "nut", "number": 2}]})
    assert order["count"] == 3
    for schema, data in ((schemas["one"], {"lines": [{"item": "x"}]}), (schemas["made"], {"a": "none"})):
        try:
            schema.load(data)
        except ValidationError as error:
            assert error.messages
        else:
            raise AssertionError("no error")
    assert schemas["short"].dump([{"name": "Ann", "day": None}]) == [{"name": "Ann"}]
