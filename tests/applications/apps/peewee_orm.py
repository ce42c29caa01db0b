"""peewee: a database in a file, models with a foreign key, an object, a query."""

import peewee

GROUP = "unseen"
PACKAGES = ("peewee",)

database = peewee.DatabaseProxy()


class Author(peewee.Model):
    name = peewee.CharField(unique=True)

    class Meta:
        database = database


class Book(peewee.Model):
    author = peewee.ForeignKeyField(Author, backref="books")
    title = peewee.TextField()

    class Meta:
        database = database


class Library:
    def __init__(self, folder):
        self.db = peewee.SqliteDatabase(folder / "books.db", pragmas={"foreign_keys": 1})

    def open(self):
        database.initialize(self.db)
        self.db.connect(reuse_if_open=True)


def build(folder):
    library = Library(folder)
    library.open()
    library.db.create_tables([Author, Book])
    library.ann = Author.create(name="Ann")
    Book.create(author=library.ann, title="One")
    library.newest = Book.select().where(Book.title > "A").order_by(Book.id.desc()).limit(1)
    library.db.close()
    return library


def facts(library):
    return {"ann": [library.ann.id, library.ann.name], "closed": library.db.is_closed(), "sql": library.newest.sql()}


def use(library, folder):
    library.open()
    with library.db.atomic():
        Book.create(author=library.ann, title="Two")
    assert [book.title for book in library.ann.books.order_by(Book.id)] == ["One", "Two"]
    assert [book.title for book in library.newest.clone()] == ["Two"]
    library.db.close()
