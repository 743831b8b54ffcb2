from dash import html, register_page

register_page(__name__, path="/dashboard")


def layout(token="", **_):
    return html.Iframe(src="/embed/dashboard?token=" + token, style={"width": "100%", "height": "700px"})
