"""``--report``: the record of one run, and its formats (the table is in ``formats``)."""
