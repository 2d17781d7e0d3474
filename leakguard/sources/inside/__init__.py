"""What lies inside of files: archives, compressed streams and their like, nested, read as streams.

`magic` recognises, `walk` goes in, one module per family reads. Knows `model` and `errors`; imported by the pipeline
when a recogniser hit, and by `leakguard extract`. Writes nothing outside a private, unlinked temporary file.
"""
