"""Who answers: the protocol (`base`), each kind of teacher, the journal and the registry."""
