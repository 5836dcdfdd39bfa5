"""The fault campaign: whatever breaks while samezone works, nothing is lost and everything is put back.

``between`` stands between samezone and a server and meddles; ``stage`` is a lab seen through two of those;
``playing`` runs a command and lets something happen at a moment of it; ``aftermath`` looks at what is left;
``table`` is a row of the table, and the table. Each test is one fault in one phase of one verb.
"""
