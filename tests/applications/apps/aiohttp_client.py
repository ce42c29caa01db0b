"""aiohttp's client: a session that has been used, with cookies and headers, inside of an event loop."""

from aiohttp import ClientSession, CookieJar, web

GROUP = "web"
PACKAGES = ("aiohttp",)
IN_LOOP = True


async def answer(request):
    found = web.Response(text=f"{request.headers['x-shop']} {request.headers.get('cookie')}")
    found.set_cookie("shelf", "three")
    return found


async def ask(session):
    """Let the session ask a server, and keep its connection. Returns the answer."""
    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/") as found:
            return await found.text()
    finally:
        await runner.cleanup()


async def build(folder):
    session = ClientSession(headers={"x-shop": "tea"}, cookie_jar=CookieJar(unsafe=True))
    assert await ask(session) == "tea None"
    return session


def facts(session):
    return {"header": session.headers["x-shop"], "cookies": [cookie.key for cookie in session.cookie_jar]}


async def use(session, folder):
    assert await ask(session) == "tea shelf=three"
    await session.close()
