"""The sections of a report, one file each: `render(material)` returns its markup.

A section that has nothing to tell returns an empty string and is left out of the page.
"""
