"""What a user asks of the load, as text: values.

``pages_file``: the user's own pages, whose shape ``pages.schema.json`` publishes; ``rate_text``: a rate.
"""
