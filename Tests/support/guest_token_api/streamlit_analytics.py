import httpx
import streamlit as st
from streamlit.components import v1

made = httpx.post("https://api.your-app.com/api/guest-token", headers={"Authorization": f"Bearer {st.session_state.access_token}"}, timeout=30)
v1.html(
    '<script type="module" src="https://cdn.usedatabrain.com/web-components/dbn-dashboard.js"></script>'
    f'<dbn-dashboard dashboard-id="revenue-overview" token="{made.json()["token"]}"></dbn-dashboard>', height=700)
