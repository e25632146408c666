"""Libraries for families of plugins: generators of images, classifiers, learners of tasks in sequence.

The rest of the zoo never imports them.

Imports errors, files, sharing, draws, cards, results, data, weights, run.
"""
