"""Titles of the controls that roles answer: what auditors ask for, by its number, in Swedish and in English.

A role that answers one that is not here brings its title along, in its own `CONTROL_TITLES`.
"""

from __future__ import annotations

from collections.abc import Mapping

Title = tuple[str, str]
"""Swedish, English."""

STANDARD: Mapping[str, Title] = {
    "ISO 27002:2022 5.9": (
        "Förteckning över information och andra relaterade tillgångar",
        "Inventory of information and other associated assets",
    ),
    "ISO 27002:2022 5.15": ("Åtkomstkontroll", "Access control"),
    "ISO 27002:2022 5.18": ("Åtkomsträttigheter", "Access rights"),
    "ISO 27002:2022 8.2": ("Privilegierade åtkomsträttigheter", "Privileged access rights"),
    "ISO 27002:2022 8.5": ("Säker autentisering", "Secure authentication"),
    "ISO 27002:2022 8.6": ("Kapacitetshantering", "Capacity management"),
    "ISO 27002:2022 8.8": ("Hantering av tekniska sårbarheter", "Management of technical vulnerabilities"),
    "ISO 27002:2022 8.9": ("Konfigurationshantering", "Configuration management"),
    "ISO 27002:2022 8.10": ("Radering av information", "Information deletion"),
    "ISO 27002:2022 8.13": ("Säkerhetskopiering av information", "Information backup"),
    "ISO 27002:2022 8.14": (
        "Redundans för informationsbehandlingsresurser",
        "Redundancy of information processing facilities",
    ),
    "ISO 27002:2022 8.15": ("Loggning", "Logging"),
    "ISO 27002:2022 8.16": ("Övervakningsaktiviteter", "Monitoring activities"),
    "ISO 27002:2022 8.17": ("Klocksynkronisering", "Clock synchronization"),
    "ISO 27002:2022 8.19": (
        "Installation av program på driftsystem",
        "Installation of software on operational systems",
    ),
    "ISO 27002:2022 8.20": ("Nätverkssäkerhet", "Networks security"),
    "ISO 27002:2022 8.21": ("Nätverkstjänsternas säkerhet", "Security of network services"),
    "ISO 27002:2022 8.22": ("Separation av nätverk", "Segregation of networks"),
    "ISO 27002:2022 8.23": ("Webbfiltrering", "Web filtering"),
    "ISO 27002:2022 8.24": ("Användning av kryptografi", "Use of cryptography"),
}
"""Titles of ISO/IEC 27002:2022, compared with public lists of them and not with the standard's own text.

The English ones stand so in every list. Of the Swedish ones, 5.15, 5.18, 8.2, 8.5, 8.6, 8.9, 8.10 and 8.15 stand so in
a public Swedish self-assessment; 8.8, 8.13, 8.19 and 8.22 are those of the edition before; the others are translations.
Somebody with SS-EN ISO/IEC 27002:2022 at hand should compare them.
"""
