"""Models that run without the zoo: as ONNX, and on a page that a browser opens without a server.

It is a part of the room `api`; what it needs of torch and ONNX is imported when something is exported.
"""
