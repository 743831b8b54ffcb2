"""A product on Streamlit that shows each of its customers their own dashboard."""

import contextlib
import html
import json
import os
import secrets
from datetime import datetime, timedelta, timezone

import streamlit as st
import streamlit.components.v1 as components
from emban import Emban, EmbanError, EmbedSession

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")
#: How long a session of the dashboard lives; it is renewed when a quarter of that is left.
LIFETIME = timedelta(seconds=int(os.environ.get("EMBAN_SESSION_SECONDS", "3600")))

st.set_page_config(page_title="Analytics", layout="wide")


# One client for all tabs of all users. The key comes from EMBAN_API_KEY and stays in this process.
@st.cache_resource
def emban() -> Emban:
    return Emban(EMBAN_URL)


def new_session() -> EmbedSession:
    return emban().embed_sessions.create(
        tenant_id=st.session_state.user.tenant_id,  # from the login, never from what the browser sends
        dashboard_id=DASHBOARD,
        expires_in=int(LIFETIME.total_seconds()),
    )


def show_dashboard() -> None:
    """The frame's text stays the same in every rerun, so that Streamlit keeps the frame, and the viewer what they have set in it."""
    if "first_session" not in st.session_state:
        st.session_state.update(first_session=new_session(), channel=secrets.token_urlsafe(16))
        st.session_state.newest_session = st.session_state.first_session
    components.html(
        f"""
        <style>body {{ margin: 0; }} dbn-dashboard {{ --emban-background: transparent; --emban-padding: 0; }}</style>
        <script type="module" src="{html.escape(EMBAN_URL)}/web-components/dbn-dashboard.js"></script>
        <dbn-dashboard token="{html.escape(st.session_state.first_session.token)}" dashboard-id="{html.escape(DASHBOARD)}"></dbn-dashboard>
        <script>
          const element = document.querySelector("dbn-dashboard");
          const channel = new BroadcastChannel({json.dumps(st.session_state.channel)});
          channel.onmessage = ({{ data }}) => element.setAttribute("token", data);
          channel.postMessage("newest?");
          element.addEventListener("emban-resize", ({{ detail }}) => (frameElement.style.height = `${{detail.height}}px`));
        </script>
        """,
        height=900,
    )
    renew()


# Runs by itself, also while nobody touches the page: a new session goes into the frame that is there.
@st.fragment(run_every=LIFETIME / 12)
def renew() -> None:
    if st.session_state.newest_session.expires_at - datetime.now(timezone.utc) < LIFETIME / 4:
        st.session_state.newest_session = new_session()
    components.html(
        f"""
        <script>
          const channel = new BroadcastChannel({json.dumps(st.session_state.channel)});
          const tell = () => channel.postMessage({json.dumps(st.session_state.newest_session.token)});
          channel.onmessage = tell;
          tell();
        </script>
        """,
        height=0,
    )


def sign_out() -> None:
    sessions = [session for name in ("first_session", "newest_session") if (session := st.session_state.get(name))]
    st.session_state.clear()
    for session in sessions:
        with contextlib.suppress(EmbanError):  # one that has ended by itself, or a server that is away
            emban().embed_sessions.revoke(session.session_id)


if "user" not in st.session_state:
    _, middle, _ = st.columns([1, 1, 1])
    with middle:
        st.title("Sign in")
        with st.form("login"):
            email = st.text_input("E-mail", autocomplete="username")
            password = st.text_input("Password", type="password", autocomplete="current-password")
            if st.form_submit_button("Sign in", type="primary"):
                user = find_user(email, password)
                if user is None:
                    st.error("Address or password is wrong.")
                else:
                    st.session_state.user = user
                    st.rerun()
    st.stop()

title, person, button = st.columns([6, 3, 1], vertical_alignment="center")
title.title("Analytics")
person.text(f"Signed in as {st.session_state.user.email}")
button.button("Sign out", on_click=sign_out)
show_dashboard()
