"""The controls that auditors ask for: their titles, the standards that they are of, and which a state check answers.

A check says what it proves by topic (`PROVES` in its file); what a topic answers in each standard stands here, once. A
role that answers a control that is not here brings its title along, in its own `CONTROL_TITLES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

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

CIS: Mapping[str, Title] = {
    "CIS v8 1.1": (
        "Upprätta och underhåll en detaljerad förteckning över utrustning",
        "Establish and Maintain Detailed Enterprise Asset Inventory",
    ),
    "CIS v8 3.3": ("Inställda behörighetslistor för data", "Configure Data Access Control Lists"),
    "CIS v8 3.10": ("Kryptera känsliga data under överföring", "Encrypt Sensitive Data in Transit"),
    "CIS v8 4.1": (
        "Upprätta och underhåll en process för säker konfiguration",
        "Establish and Maintain a Secure Configuration Process",
    ),
    "CIS v8 4.2": (
        "Upprätta och underhåll en process för säker konfiguration av nätutrustning",
        "Establish and Maintain a Secure Configuration Process for Network Infrastructure",
    ),
    "CIS v8 4.3": ("Automatisk låsning av sessioner", "Configure Automatic Session Locking on Enterprise Assets"),
    "CIS v8 4.4": ("Inför och sköt en brandvägg på servrar", "Implement and Manage a Firewall on Servers"),
    "CIS v8 4.6": ("Sköt utrustning och program säkert", "Securely Manage Enterprise Assets and Software"),
    "CIS v8 4.7": (
        "Hantera förvalda konton i utrustning och program",
        "Manage Default Accounts on Enterprise Assets and Software",
    ),
    "CIS v8 4.8": (
        "Avinstallera eller stäng av tjänster som inte behövs",
        "Uninstall or Disable Unnecessary Services on Enterprise Assets and Software",
    ),
    "CIS v8 4.9": ("Betrodda DNS-servrar på utrustningen", "Configure Trusted DNS Servers on Enterprise Assets"),
    "CIS v8 5.2": ("Unika lösenord", "Use Unique Passwords"),
    "CIS v8 5.4": (
        "Administratörsrättigheter endast för särskilda konton",
        "Restrict Administrator Privileges to Dedicated Administrator Accounts",
    ),
    "CIS v8 6.2": ("Upprätta en process för att dra in åtkomst", "Establish an Access Revoking Process"),
    "CIS v8 6.8": ("Bestäm och underhåll rollbaserad åtkomst", "Define and Maintain Role-Based Access Control"),
    "CIS v8 7.3": (
        "Automatiska uppdateringar av operativsystem",
        "Perform Automated Operating System Patch Management",
    ),
    "CIS v8 8.2": ("Samla in loggar", "Collect Audit Logs"),
    "CIS v8 8.3": ("Säkerställ utrymme för loggar", "Ensure Adequate Audit Log Storage"),
    "CIS v8 8.4": ("Enhetlig tid", "Standardize Time Synchronization"),
    "CIS v8 8.9": ("Samla loggar centralt", "Centralize Audit Logs"),
    "CIS v8 11.2": ("Automatiska säkerhetskopior", "Perform Automated Backups"),
    "CIS v8 12.2": (
        "Upprätta och underhåll en säker nätarkitektur",
        "Establish and Maintain a Secure Network Architecture",
    ),
    "CIS v8 12.3": ("Sköt nätutrustning säkert", "Securely Manage Network Infrastructure"),
    "CIS v8 13.4": ("Filtrera trafik mellan nätsegment", "Perform Traffic Filtering Between Network Segments"),
}
"""Titles of safeguards of the CIS Critical Security Controls v8, as public lists of them have them: 1.1 that of
bastion.tech, the others several. The Swedish ones are our translations.
"""

NIS2: Mapping[str, Title] = {
    "NIS2 21.2 b": ("Incidenthantering", "Incident handling"),
    "NIS2 21.2 c": (
        "Driftskontinuitet, som säkerhetskopiering och återställning, och krishantering",
        "Business continuity, such as backup management and disaster recovery, and crisis management",
    ),
    "NIS2 21.2 e": (
        "Säkerhet vid förvärv, utveckling och underhåll av nätverks- och informationssystem",
        "Security in network and information systems acquisition, development and maintenance",
    ),
    "NIS2 21.2 g": (
        "Grundläggande praxis för cyberhygien och utbildning i cybersäkerhet",
        "Basic cyber hygiene practices and cybersecurity training",
    ),
    "NIS2 21.2 h": (
        "Användning av kryptografi och, när så är lämpligt, kryptering",
        "Policies and procedures regarding the use of cryptography and, where appropriate, encryption",
    ),
    "NIS2 21.2 i": (
        "Personalsäkerhet, åtkomstkontroll och tillgångsförvaltning",
        "Human resources security, access control policies and asset management",
    ),
}
"""Points of article 21.2 of directive (EU) 2022/2555 that a state check can say something about, as public copies of it
have them in English; the Swedish ones follow the headings of a Swedish guide (infosakra.se). The law's own section is
not cited, since nobody here has read it. Points a, d, f and j no check of a host answers.
"""

TITLES: Mapping[str, Title] = {**STANDARD, **CIS, **NIS2}


class Standard(NamedTuple):
    """What controls are of: its title, what it is to a Swedish municipality, and what to know of it."""

    title: Title
    binds: Literal["law", "guidance"]
    note: Title


STANDARDS: Mapping[str, Standard] = {
    "ISO 27002:2022": Standard(
        ("ISO/IEC 27002:2022, informationssäkerhetsåtgärder", "ISO/IEC 27002:2022, information security controls"),
        "guidance",
        ("Binder den som har avtalat eller beslutat om den.", "Binds those who agreed to it or decided so."),
    ),
    "CIS v8": Standard(
        ("CIS Critical Security Controls, version 8", "CIS Critical Security Controls, version 8"),
        "guidance",
        ("Binder den som har avtalat eller beslutat om den.", "Binds those who agreed to it or decided so."),
    ),
    "NIS2 21.2": Standard(
        (
            "Direktiv (EU) 2022/2555, artikel 21.2, genomfört i cybersäkerhetslagen (2025:1506)",
            "Directive (EU) 2022/2555, article 21.2, taken into Swedish law by cybersäkerhetslagen (2025:1506)",
        ),
        "law",
        (
            "Gäller sedan 2026-01-15, också kommuner. MSBFS 2020:6 och 2020:7 binder statliga myndigheter.",
            "In force since 2026-01-15, for municipalities, too. MSBFS 2020:6 and 2020:7 bind state authorities.",
        ),
    ),
}
"""The standards, by what the names of their controls begin with."""

_TOPICS: Mapping[str, tuple[str, str, str]] = {
    "accounts": ("5.15 5.18", "4.7", "i"),
    "authentication": ("8.5", "4.6", "i"),
    "backup": ("8.13", "11.2", "c"),
    "capacity": ("8.6", "", ""),
    "central logs": ("8.15", "8.9", "b"),
    "configuration": ("8.9", "4.1", "e"),
    "cryptography": ("8.24", "3.10", "h"),
    "dns": ("8.20 8.21", "4.9", "e"),
    "firewall": ("8.20 8.22", "4.4", "e g"),
    "hardening": ("8.9", "4.1 4.8", "e g"),
    "inventory": ("5.9", "1.1", "i"),
    "keys": ("8.24", "3.3", "h"),
    "leavers": ("5.18", "6.2", "i"),
    "log access": ("8.15", "3.3", "b i"),
    "log storage": ("8.15", "8.3", "b"),
    "logging": ("8.15", "8.2", "b"),
    "measuring": ("8.16", "", "b"),
    "network": ("8.20", "4.2 12.2 12.3", "e"),
    "network services": ("8.21", "", "e"),
    "passwords": ("8.5", "5.2", "i"),
    "permissions": ("5.15", "3.3", "i"),
    "redundancy": ("8.14", "", "c"),
    "rights": ("5.18 8.2", "5.4 6.8", "i"),
    "segregation": ("8.22", "13.4", "e g"),
    "session": ("8.5", "4.3", "g"),
    "software": ("8.19", "4.8", "e"),
    "time": ("8.17", "8.4", "b"),
    "updates": ("8.8", "7.3", "e g"),
}

TOPICS: Mapping[str, tuple[str, ...]] = {
    topic: tuple(
        f"{standard} {number}"
        for standard, numbers in zip(STANDARDS, of_each, strict=True)
        for number in numbers.split()
    )
    for topic, of_each in _TOPICS.items()
}
"""What a state check can prove, and the controls that ask for it: a check that passes is evidence, no certificate."""
