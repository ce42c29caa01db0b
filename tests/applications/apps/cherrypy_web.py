"""cherrypy: an application of exposed methods with tools and a configuration, mounted in a tree."""

import io

import cherrypy

GROUP = "unseen"
PACKAGES = ("cherrypy",)


class Shop:
    def __init__(self):
        self.hits = 41

    @cherrypy.expose
    @cherrypy.tools.json_out()
    def items(self, number):
        self.hits += 1
        return {"item": int(number), "hits": self.hits}


def build(folder):
    return cherrypy.Application(
        Shop(), "", {"/": {"tools.response_headers.on": True, "request.show_tracebacks": False}}
    )


def facts(app):
    return {"hits": app.root.hits, "config": app.config["/"]["tools.response_headers.on"]}


def get(app, path):
    status = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "",
        "HTTP_HOST": "shop",
        "SERVER_NAME": "shop",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    answer = app(environ, lambda line, headers, *more: status.append(line))
    body = b"".join(answer)
    answer.close()
    return body, status[0][:3]


def use(app, folder):
    cherrypy.config.update({"log.screen": False})
    assert get(app, "/items/7") == (b'{"item": 7, "hits": 42}', "200")
    assert get(app, "/none")[1] == "404"
