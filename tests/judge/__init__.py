"""The judges: decoders, a book and a client written from the published specifications' tables.

They share no line with the venue's own codecs, so that both being wrong in the same way would take two mistakes.
"""
