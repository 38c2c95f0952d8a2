"""Sessions that are prepared, watched and ended for a training program: hooks run around each step, checkpoints and
summaries are written, and training resumes from the last checkpoint.

`hook.py` says what a hook is, `step_hooks.py` and `recording_hooks.py` hold the common ones; `scaffold.py` gathers the
operations that a model needs around training, `session_manager.py` opens a session with them, and
`monitored_session.py` runs steps in it. `supervisor.py` is the older form, with threads in the place of hooks.
"""
