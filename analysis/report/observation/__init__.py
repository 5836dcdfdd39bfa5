"""An observation in one file a format: ``html``, ``markdown``, ``console``; all from the same tables.

``observation_answer`` is the first screen in words, ``observation_tables`` are the tables.
"""
