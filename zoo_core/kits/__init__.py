"""Libraries for families of plugins: generators of images, classifiers, learners of tasks in sequence.

They import what plugins import; the rest of the zoo never imports them.
"""
