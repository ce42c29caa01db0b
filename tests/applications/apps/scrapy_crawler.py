"""scrapy: settings, requests with callbacks, selectors' items, a queue of requests, a spider that crawls."""

import scrapy
from scrapy.http import Request
from scrapy.settings import Settings
from scrapy.utils.request import fingerprint

GROUP = "data"
PACKAGES = ("scrapy",)


class Page(scrapy.Item):
    title = scrapy.Field()
    links = scrapy.Field(serializer=len)


class Books(scrapy.Spider):
    name = "books"
    custom_settings = {"TELNETCONSOLE_ENABLED": False, "LOG_ENABLED": False}  # noqa: RUF012

    def parse(self, response):
        yield Page(title=response.css("title::text").get(), links=response.css("a::attr(href)").getall())

    def parse_book(self, response, shelf):
        return shelf


class Crawl:
    def __init__(self):
        self.settings = Settings({"CONCURRENT_REQUESTS": 3}, priority="spider")
        self.spider = Books(category="poems")
        self.requests = [
            Request("http://127.0.0.1/1", self.spider.parse, priority=2, meta={"depth": 1}),
            Request("http://127.0.0.1/2", self.spider.parse_book, cb_kwargs={"shelf": 4}, method="POST", body=b"x"),
        ]
        self.items = [Page(title="One", links=["/1"])]


def build(folder):
    return Crawl()


def facts(crawl):
    return {
        "settings": [crawl.settings.getint("CONCURRENT_REQUESTS"), crawl.settings.getpriority("CONCURRENT_REQUESTS")],
        "requests": [[one.url, one.method, one.priority, one.meta, one.cb_kwargs] for one in crawl.requests],
        "fingerprints": [fingerprint(one).hex() for one in crawl.requests],
        "category": crawl.spider.category,
        "items": [dict(item) for item in crawl.items],
    }


def use(crawl, folder):
    first, second = crawl.requests
    response = scrapy.http.HtmlResponse(first.url, body=b"<title>T</title><a href=/2>", encoding="utf-8", request=first)
    assert [dict(item) for item in first.callback(response)] == [{"title": "T", "links": ["/2"]}]
    assert second.callback(response, **second.cb_kwargs) == 4
    assert first.callback.__self__ is crawl.spider
