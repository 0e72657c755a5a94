"""Is the sending side set up right? Pure checks over what was looked up; `examination.py` puts them together."""
