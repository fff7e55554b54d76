"""Audits of lab hosts by programs that nobody here wrote or tuned (`make audit`): see docs/audits.md.

auditors    the programs, as Debian packs them
inside      how they run in a host and leave it as it was
lynis, openscap, exposure, ports, ssh, tls    what each of them says
results     what was found, kept in last.json, and what became worse
page        the tables of docs/audits.md
"""
