"""Pages that are used again: what follows in one takes two thirds of what it takes in a new one, whose process has read
none of Streamlit's scripts yet."""

from collections import defaultdict

# More are open at once in a few tests only, and each keeps its memory.
KEPT = 2
# What a session keeps in a browser must not reach the next test.
FORGET = "() => { localStorage.clear(); sessionStorage.clear() }"


class EmptyPages:
    """They are taken and left. script: what each runs before any other."""

    def __init__(self, script=None):
        self.script, self.left = script, defaultdict(list)

    def take(self, context, size, color_scheme="light"):
        """A page of this size with nothing in it, and with the pointer outside."""
        if self.left[context]:
            page = self.left[context].pop()
        else:
            page = context.new_page()
            if self.script:
                page.add_init_script(self.script)
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        page.emulate_media(color_scheme=color_scheme)
        return page

    def leave(self, tab):
        """As closing does, this ends the session."""
        page = tab.page
        page.evaluate(FORGET)
        for what, listener in tab.listeners.items():
            page.remove_listener(what, listener)
        if len(self.left[page.context]) == KEPT:
            page.close()
            return
        page.goto("about:blank")
        page.mouse.move(-1, -1)
        self.left[page.context].append(page)
