"""Files that somebody sends: read without trust, checked cell by cell, refused with the place of what is wrong."""
