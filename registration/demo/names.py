"""Invented people: names of many countries, where they work, and what they need."""

from __future__ import annotations

import unicodedata
from functools import cache
from random import Random

from registration.parties import Details

#: Given and family names that are found together.
_NAMES = [
    (given.split(), family.split())
    for given, family in [
        ("Amina Ngozi Chidi Emeka Folake Tunde", "Okonkwo Adeyemi Balogun Nwosu Eze Okafor"),
        ("Wanjiru Otieno Akinyi Kamau Njeri Kiprop", "Mwangi Odhiambo Wambui Kariuki Chebet"),
        ("Tigist Dawit Selam Yonas Hanna Bekele", "Tadesse Alemu Girma Haile Mekonnen"),
        ("Thandiwe Sipho Lerato Kagiso Nomvula", "Dlamini Nkosi Mokoena Khumalo Botha"),
        ("Awa Ousmane Fatou Mamadou Aïssatou", "Diallo Traoré Keïta Coulibaly Ndiaye Sow"),
        ("Layla Omar Yasmin Karim Nour Tariq", "Haddad Khoury Mansour Nasser Al-Sayegh Saleh"),
        ("Shirin Dariush Parisa Kaveh Laleh", "Tehrani Farahani Moradi Rostami Kazemi"),
        ("Zarmina Farhad Mursal Idrees Gulalai", "Ahmadzai Noori Rahimi Stanekzai Wardak"),
        ("Ayşe Mehmet Zeynep Emre Elif Can", "Yılmaz Kaya Demir Şahin Çelik Öztürk"),
        ("Priya Arjun Meera Rohan Kavita Vikram", "Sharma Iyer Banerjee Nair Reddy Deshmukh"),
        ("Ayesha Bilal Hina Usman Sana Faisal", "Qureshi Malik Chaudhry Siddiqui Baloch"),
        ("Nadeesha Ruwan Tharushi Kasun", "Perera Jayasuriya Wickramasinghe Fonseka"),
        ("Mei Jun Xiaoli Wei Lan Hao", "Chen Wang Liu Zhang Huang Zhou Lin"),
        ("Haruka Kenji Yuki Takumi Sakura", "Tanaka Watanabe Kobayashi Saitō Yamada"),
        ("Ji-woo Min-jun Seo-yeon Hyun-woo", "Kim Park Choi Jeong Kang Yoon"),
        ("Linh Minh Thảo Quân Hương Đức", "Nguyễn Trần Phạm Lê Võ Đặng"),
        ("Maria-Luz Jomar Analyn Rodel Divina", "Santos Bautista Dela-Cruz Villanueva Reyes"),
        ("Siti Budi Dewi Agus Putri Rizky", "Wijaya Santoso Lestari Hidayat Siregar"),
        ("Oksana Andriy Iryna Taras Nadiia", "Kovalenko Bondarenko Shevchuk Tkachenko"),
        ("Agnieszka Piotr Małgorzata Tomasz", "Nowak Zając Wójcik Mazur Lis"),
        ("Jelena Marko Amra Damir Ivana Luka", "Kovačević Hadžić Marić Begić Jurić Babić"),
        ("Arbnora Besnik Valbona Driton", "Krasniqi Gashi Berisha Hoxha Shala"),
        ("Ana Ion Elena Mihai Ioana Radu", "Popescu Ionescu Munteanu Dumitru Stoica"),
        ("Katarina Lars Ingrid Erik Åsa Nils", "Lindqvist Bergström Nyström Ekdahl Öberg"),
        ("Søren Mette Frederik Astrid Bjørn", "Rasmussen Mortensen Kjær Østergaard Holm"),
        ("Aino Mikko Sari Juhani Päivi", "Virtanen Mäkinen Hämäläinen Koskela Laine"),
        ("Anneliese Jürgen Katrin Matthias Jörg", "Schäfer Weiß Krüger Vogel Brandt Böhm"),
        ("Sanne Joost Femke Bram Maaike", "de-Vries van-Dijk Bakker Visser Smeets"),
        ("Camille Théo Margaux Étienne Chloé", "Lefèvre Moreau Girard Rousseau Beaufort"),
        ("Giulia Matteo Chiara Lorenzo Paola", "Ferrari Colombo Ricci Gallo Bianchi"),
        ("Lucía Álvaro Inés Javier Nuria", "García Muñoz Ibáñez Ortega Núñez Peña"),
        ("Beatriz João Inês Tiago Conceição", "Carvalho Araújo Gonçalves Magalhães Sousa"),
        ("Valentina Andrés Camila Julián Ximena", "Restrepo Cárdenas Londoño Ospina Zapata"),
        ("Itzel Rodrigo Xóchitl Mateo Guadalupe", "Hernández Ramírez Ixcot Tzul Morales"),
        ("Thaís Caio Luana Rafael Jussara", "Oliveira Nascimento Barbosa Teixeira Rocha"),
        ("Nadège Wilner Rose-Laure Jean-Robert", "Désir Saint-Louis Jean-Baptiste Pierre"),
        ("Siobhán Eoin Niamh Ciarán Aoife", "O’Donoghue Ní-Bhriain McGlynn Walsh Keane"),
        ("Eleanor Rhys Fiona Gareth Imogen", "Hargreaves Pritchard MacAulay Thornbury"),
        ("Denise Marcus Rachel Tyrone Molly", "Whitfield Carver Lindholm Booker Sandoval"),
        ("Aroha Tāne Mele Sione Losa", "Ngata Faleolo Tuilagi Parata Vaea"),
        ("ليلى عمر نور سامي هدى", "حداد منصور الخطيب سالم درويش"),
        ("Марія Олег Світлана Богдан", "Гончар Лисенко Романюк Савченко"),
    ]
]
_EMPLOYERS = """
Ministry of Justice|Ministry of the Interior|Ministry of Foreign Affairs|Office of the Ombudsman
National Police Academy|Embassy, political section|Parliamentary research service|City council
Graduate School of Public Policy|Department of Political Science|Faculty of Law
Centre for Conflict Studies|Peace Research Network|Legal Aid Network|Women’s Mediation Forum
Rule of Law Initiative|Community Policing Project|Veterans’ Association|Relief and Recovery Fund
International Development Agency|Human Rights Monitor|Regional Press Agency|Public Radio
Independent consultant|Foundation for Open Institutions|Youth Dialogue Programme
"""
_TITLES = """
Programme officer|Senior programme officer|Programme manager|Policy adviser|Legal adviser
Research fellow|Senior researcher|Professor|Lecturer|Doctoral candidate|Student|Analyst
Police adviser|Training coordinator|Desk officer|First secretary|Second secretary|Director
Deputy director|Executive director|Project lead|Mediator|Correspondent|Producer|Consultant
"""
_NOTES = [
    "I use a wheelchair and would like a place on the aisle.",
    "Please keep a seat near the exit.",
    "I come with a guide dog.",
    "Large print for anything that is handed out, please.",
    "I lip-read: a seat at the front would help.",
]
EMPLOYERS = [entry for line in _EMPLOYERS.split("\n") if line for entry in line.split("|")]
TITLES = [entry for line in _TITLES.split("\n") if line for entry in line.split("|")]
# These have no decomposition into a letter and a mark.
_PLAIN = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae"})


def chance(seed: str) -> Random:
    """Dice that fall the same way for the same seed."""
    return Random(seed)  # noqa: S311 - plausible, not secret


def full_name(chance: Random) -> str:
    """An invented person's name."""
    given, family = chance.choice(_NAMES)
    # A hyphen in a particle is there to keep the word in one piece.
    surname = chance.choice(family)
    return (
        f"{chance.choice(given)} {surname.replace('-', ' ') if surname[0].islower() else surname}"
    )


def address(name: str, mark: str = "") -> str:
    """A name's address where nobody reads; `mark` tells people of one name apart."""
    words = [plain for word in name.replace("-", " ").split() if (plain := _plain(word))]
    return f"{'.'.join(words) or 'attendee'}{mark}@example.org"


@cache
def _plain(word: str) -> str:
    """A word as it stands in an address: a-z only."""
    bare = unicodedata.normalize("NFKD", word.lower()).translate(_PLAIN)
    return "".join(letter for letter in bare if "a" <= letter <= "z")


def person(chance: Random, mark: str) -> Details:
    """An invented person with an address that `mark` makes their own."""
    name = full_name(chance)
    return Details(
        name=name,
        email=address(name, mark),
        organisation=chance.choice(EMPLOYERS) if chance.random() < 0.8 else "",
        job_title=chance.choice(TITLES) if chance.random() < 0.7 else "",
        needs_step_free=chance.random() < 0.03,
        needs_sign_language=chance.random() < 0.01,
        needs_captions=chance.random() < 0.06,
        access_note=chance.choice(_NOTES) if chance.random() < 0.01 else "",
        wants_news=chance.random() < 0.3,
    )
