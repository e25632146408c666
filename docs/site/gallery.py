"""placeholder"""
def page(): return "# Gallery\n"
