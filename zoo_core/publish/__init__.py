"""From a finished run to a pin: the bundle beside the manifest, and the parcel that goes to the Hub.

Imports the api, weights and the hub.
"""
