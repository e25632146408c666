"""From a finished run to a pin: the bundle beside the manifest, and the parcel that goes to the Hub.

Imports errors, files, formats, cards, hub, results, data, weights, run, plugin, api.
"""
