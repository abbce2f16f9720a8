"""The pure core of copydesk: values in, values out.

Nothing here reads a file, a clock, an environment variable or a random number.
`pipeline.py` is the page to read first.
"""
