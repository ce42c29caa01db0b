"""SQLAlchemy: an engine over a file, a factory of sessions, an object with its relations, queries, a table."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

GROUP = "libraries"
PACKAGES = ("sqlalchemy",)
BYTES = "functions of its own that it has by value"


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


def build(folder):
    engine = sa.create_engine("sqlite:///shop.db")
    Base.metadata.create_all(engine)
    factory = sessionmaker(engine)
    with factory() as session:
        if session.get(Author, 1) is None:
            session.add(Author(id=1, name="Ada", books=[Book(id=1)]))
            session.commit()
        author = session.get(Author, 1)
        assert author.books
    engine.dispose()
    table = sa.Table("shelf", sa.MetaData(), sa.Column("number", sa.Integer, primary_key=True))
    return {
        "engine": engine,
        "factory": factory,
        "author": author,
        "query": sa.select(Author).where(Author.name == "Ada"),
        "shelves": sa.select(table).where(table.c.number > 3),
    }


def facts(shop):
    return {"name": shop["author"].name, "books": len(shop["author"].books), "shelves": str(shop["shelves"])}


def use(shop, folder):
    with shop["factory"]() as session:
        assert session.scalars(shop["query"]).one().name == "Ada"
        assert session.merge(shop["author"]).books[0].author_id == 1
    with shop["engine"].connect() as connection:
        assert connection.execute(sa.text("select count(*) from book")).scalar() == 1
    shop["engine"].dispose()
