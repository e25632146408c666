"""Images of the user's own: folders, archives and arrays, prepared once and kept under a name and a hash.

What `--data` names is looked through (`listing`, `archives`, `arrays`, all of them a `supply`), decoded into uint8
(`decoding`, `spool`), and kept in the zoo's cache (`store`); `prepare` does it all and gives the name, such as
``photos@1a2b3c4d5e6f7081``. Who has the name and the cache has the images: nothing else opens a path of the user's.
"""
