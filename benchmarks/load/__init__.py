"""Many people browse the app while a job trains: what page changes take, what fails, what memory does, what training loses.

Visitors talk to the app over Streamlit's own websocket, each in a session of its own, with all that a browser sends by itself; a few
real browsers show what a person sees. Nothing here is imported by the app.
"""
