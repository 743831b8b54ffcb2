"""A Streamlit app that shows each customer their own dashboard."""

import html
import os
from datetime import datetime, timedelta, timezone

import streamlit as st
import streamlit.components.v1 as components
from emban import Emban, EmbedSession

from users import find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
EMBAN_DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")

st.set_page_config(page_title="Analytics", layout="wide")


# One client for all sessions of the app. The key comes from EMBAN_API_KEY and stays in this process.
@st.cache_resource
def emban() -> Emban:
    return Emban(EMBAN_URL)


def embed_session(tenant_id: str) -> EmbedSession:
    """The session of this browser tab; a new one when the old one has less than a quarter of an hour left."""
    session = st.session_state.get("embed_session")
    if session is None or session.expires_at - datetime.now(timezone.utc) < timedelta(minutes=15):
        session = emban().embed_sessions.create(tenant_id=tenant_id, dashboard_id=EMBAN_DASHBOARD, expires_in=3600)
        st.session_state.embed_session = session
    return session


# Runs by itself now and then, so that a page that stays open gets a new session in time.
@st.fragment(run_every=timedelta(minutes=50))
def dashboard() -> None:
    # The tenant comes from the login, never from what the browser sends.
    token = embed_session(st.session_state.user.tenant_id).token
    components.html(
        f"""
        <script type="module" src="{html.escape(EMBAN_URL)}/web-components/dbn-dashboard.js"></script>
        <dbn-dashboard token="{html.escape(token)}" dashboard-id="{html.escape(EMBAN_DASHBOARD)}"></dbn-dashboard>
        """,
        height=900,
        scrolling=True,
    )


if "user" not in st.session_state:
    st.title("Sign in")
    with st.form("login"):
        email = st.text_input("E-mail", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        if st.form_submit_button("Sign in"):
            user = find_user(email, password)
            if user is None:
                st.error("Address or password is wrong.")
            else:
                st.session_state.user = user
                st.rerun()
    st.stop()

st.title("Analytics")
st.caption(f"Signed in as {st.session_state.user.email}")
if st.button("Sign out"):
    st.session_state.clear()
    st.rerun()
dashboard()
