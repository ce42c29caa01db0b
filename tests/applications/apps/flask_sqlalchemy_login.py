"""Flask-SQLAlchemy and Flask-Login: models in a database, a login, pages behind it."""

from flask import Flask
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy

GROUP = "services"
PACKAGES = ("flask-sqlalchemy", "flask-login", "flask")

db = SQLAlchemy()


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String, unique=True)


def find(number):
    return db.session.get(User, int(number))


def login(name):
    login_user(db.session.execute(db.select(User).filter_by(name=name)).scalar_one())
    return "welcome"


@login_required
def page():
    return f"page of {current_user.name}"


def build(folder):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="x", SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/shop.db", TESTING=True)
    db.init_app(app)
    LoginManager(app).user_loader(find)
    app.add_url_rule("/login/<name>", view_func=login)
    app.add_url_rule("/page", view_func=page)
    with app.app_context():
        db.create_all()
        db.session.add(User(name="ann"))
        db.session.commit()
        db.engine.dispose()
    return app


def facts(app):
    with app.app_context():
        address = str(db.engine.url)
    return {"rules": sorted(map(str, app.url_map.iter_rules())), "same": app.extensions["sqlalchemy"] is db} | {
        "database": address
    }


def use(app, folder):
    client = app.test_client()
    assert client.get("/page").status_code == 401
    assert client.get("/login/ann").text == "welcome"
    assert client.get("/page").text == "page of ann"
    with app.app_context():
        assert User.query.count() == 1
        db.session.add(User(name="bob"))
        db.session.commit()
        assert [user.name for user in db.session.scalars(db.select(User).order_by(User.id))] == ["ann", "bob"]
        db.session.remove()
        db.engine.dispose()
