//! Names for the people of a fixture.

/// Given names.
pub(super) const FIRST: [&str; 32] = [
    "Ada", "Amara", "Anton", "Bela", "Carmen", "Chidi", "Clara", "Dmitri", "Elif", "Emil", "Farah", "Greta", "Hana", "Ivo",
    "Jamal", "Jana", "Kofi", "Lena", "Linh", "Mateo", "Mina", "Noor", "Olga", "Pavel", "Priya", "Rosa", "Samir", "Tove", "Uma",
    "Viktor", "Wanda", "Yusuf",
];

/// Family names.
pub(super) const LAST: [&str; 32] = [
    "Adler",
    "Almeida",
    "Bakker",
    "Berg",
    "Castillo",
    "Chen",
    "Dvorak",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ibsen",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Novak",
    "Okafor",
    "Olsen",
    "Petrov",
    "Quist",
    "Rossi",
    "Schmidt",
    "Singh",
    "Tanaka",
    "Ulrich",
    "Vargas",
    "Weber",
    "Zielinski",
];
