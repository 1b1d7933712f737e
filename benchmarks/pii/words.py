"""Names, places and words that the templates are filled with, by language. All combinations are made up."""

from typing import NamedTuple


class Words(NamedTuple):
    """One language's."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    cities: tuple[str, ...]
    streets: tuple[str, ...]  # {n} is a number, {w} a word that streets are named after
    postcode: str  # 9 is a digit, A a letter
    months: tuple[str, ...]
    phones: tuple[str, ...]
    identities: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


EN = Words(
    _words(
        "Alice Oliver Grace Henry Chloe Jack Emily Thomas Rachel Daniel Hannah Samuel Laura Patrick Fiona Ryan Megan "
        "Callum Priya Arjun Aisha Omar Zoe Ethan Naomi Marcus Beth Stuart Wendy Colin Tara Desmond Keisha Tyrone Mei "
        "Jin Sunita Rohan Leila Yusuf Ingrid Bernard Abigail Trevor Maureen Nigel Shauna Rory Imogen Clive Dawn Ian"
    ),
    _words(
        "Thompson Bennett O'Connor Clarke Patel Hughes Sharma Walker Brennan Fletcher Osei Chen Robinson McAllister "
        "Okafor Whitfield Sinclair Doyle Parsons Kaur Nguyen Lawson Harding Murray Ellison Begum Rahman Stokes Wu "
        "Adeyemi Carver Dawson Reilly Hobbs Malik Prescott Quigley Sutton Tanaka Underwood Vance Yates Bright Long"
    ),
    _words(
        "London Leeds Bristol Dublin Boston Denver Austin Cardiff Glasgow Seattle Toronto Perth Auckland Norwich"
    ),
    (
        "{n} {w} Street",
        "{n} {w} Road",
        "{n} {w} Lane",
        "{n} {w} Avenue",
        "Flat {n}, {n} {w} Close",
        "{n} {w} Drive",
    ),
    "AA9 9AA",
    _words("January February March April May June July August September October November December"),
    (
        "+44 7999 999999",
        "020 7999 9999",
        "(999) 999-9999",
        "999-999-9999",
        "+1 999 999 9999",
        "07999 999 999",
    ),
    ("AA999999A", "AA 99 99 99 A", "999-99-9999", "A99999999", "999999999", "AAAAA999999AA9AA"),
)
DE = Words(
    _words(
        "Anna Lukas Sabine Jürgen Katharina Stefan Heike Moritz Ute Florian Greta Wolfgang Monika Tobias Petra Holger "
        "Lena Emre Ayşe Dimitri Olga Björn Renate Matthias Silke Uwe Claudia Jonas Elif Mehmet Gisela Hannes Frieda "
        "Karl-Heinz Annika Detlef Ursula Sven Nele Torsten Ilse Bastian Svenja Rainer Beate Malte Yvonne Günter"
    ),
    _words(
        "Schmidt Müller Weber Hoffmann Krüger Yilmaz Brandt Lehmann Vogel Jansen Köhler Winkler Petersen Neumann Lang "
        "Kowalski Fuchs Bergmann Schuster Öztürk Hartmann Seidel Engel Thiel Böhm Pohl Kaya Ziegler Arnold Sommer "
        "Haas Graf Reinhardt Voigt Kuhn Busch Horn Schreiber Otto Walther Beck Kraus Nowak Ludwig Peters Meißner"
    ),
    _words(
        "Berlin Hamburg München Köln Leipzig Bremen Kassel Wien Graz Zürich Bern Freiburg Rostock Mainz Bonn Ulm"
    ),
    ("{w}straße {n}", "{w}weg {n}a", "{w}str. {n}", "Am {w}platz {n}", "{w}allee {n}", "{w}gasse {n}/{n}"),
    "99999",
    _words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    ("0999 999999", "+49 999 9999999", "0179 9999999", "(0999) 99 99 99", "+43 664 9999999", "0999/9999-99"),
    ("99 999 999 999", "A99AA9A99", "99 999999 A 999", "A999999999", "AA99AA999"),
)
FR = Words(
    _words(
        "Camille Julien Sophie Mathieu Élodie Thierry Manon Guillaume Aurélie Nicolas Inès Karim Fatima Jean-Pierre "
        "Bénédicte Olivier Céline Antoine Margaux Rachid Solène Yann Véronique Hugo Nadège Maxime Odile Bruno Léa "
        "Gaël Amina Corentin Sandrine Édouard Fabienne Loïc Marguerite Serge Clémence Youssef Anaïs Pascal Josiane"
    ),
    _words(
        "Lefèvre Martin Dubois Moreau Garnier Benali Rousseau Fontaine Chevalier Mercier Blanchard Guérin Lambert "
        "Perrot Haddad Marchand Roche Colin Renaud Barbier Aubert Traoré Diallo Leclerc Poirier Vasseur Carpentier "
        "Noël Boucher Masson Tessier Gillet Hamon Besson Charpentier Delorme Pichon Vidal Weiss Cohen Joly Prévost"
    ),
    _words(
        "Paris Lyon Nantes Lille Toulouse Bordeaux Rennes Genève Liège Namur Dijon Nice Metz Tours Québec"
    ),
    ("{n} rue {w}", "{n}, avenue {w}", "{n} bis rue du {w}", "{n} boulevard {w}", "{n} chemin des {w}"),
    "99999",
    _words("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    ("06 99 99 99 99", "01.99.99.99.99", "+33 6 99 99 99 99", "0799999999", "+32 499 99 99 99"),
    ("1 99 99 99 999 999 99", "99AA99999", "9999999999999", "AA999999A"),
)
ES = Words(
    _words(
        "Lucía Javier Carmen Alejandro Marta Íñigo Pilar Sergio Rocío Andrés Nuria Gonzalo Beatriz Rubén Inmaculada "
        "Álvaro Consuelo Diego Ximena Joaquín Yolanda Mateo Esperanza Iván Montserrat Adrián Lourdes Raúl Noelia "
        "Emilio Dolores Hernán Paloma Víctor Amparo Óscar Belén Fermín Graciela Leandro Soledad Nicanor Elvira"
    ),
    _words(
        "García Fernández Molina Ortega Navarro Iglesias Romero Castillo Delgado Peña Vargas Cabrera Suárez Herrera "
        "Rojas Medina Aguilar Campos Vega Fuentes Reyes Cordero Benítez Salazar Montero Gallego Prieto Ibáñez Soto "
        "Quintana Ramos Lozano Pascual Zamora Barrios Echeverría Figueroa Marín Cano Blanco Arias Crespo Mora León"
    ),
    _words(
        "Madrid Sevilla Valencia Bilbao Granada Málaga Zaragoza Murcia Lima Bogotá Quito Cádiz Vigo Toledo"
    ),
    ("calle {w} {n}", "C/ {w}, {n}, {n}º B", "avenida de {w} {n}", "Plaza {w} {n}", "Paseo de la {w}, {n}"),
    "99999",
    _words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    ("699 999 999", "+34 699 99 99 99", "91 999 99 99", "699999999", "+52 55 9999 9999"),
    ("99999999A", "A9999999A", "99.999.999-A", "AAA999999"),
)
IT = Words(
    _words(
        "Giulia Marco Francesca Alessandro Chiara Lorenzo Federica Matteo Silvia Davide Elisa Giovanni Paola Riccardo "
        "Valentina Simone Ornella Fabrizio Caterina Ettore Ludovica Pietro Donatella Emanuele Serena Vincenzo Ilaria "
        "Massimo Noemi Gaetano Arianna Tommaso Rosanna Filippo Greta Salvatore Mirella Gianluca Teresa Ugo Nadia"
    ),
    _words(
        "Rossi Ferrari Bianchi Colombo Ricci Marino Greco Conti Mancini Lombardi Barbieri Moretti Fontana Santoro "
        "Caruso Rinaldi Villa Ferrara Longo Leone Martinelli Serra Coppola Parisi Grassi Pellegrini Testa Bruno Sala "
        "Galli Farina Gatti Monti Cattaneo Vitale Basile Palumbo Benedetti Amato Rossetti Messina Valentini D'Angelo"
    ),
    _words(
        "Milano Roma Torino Napoli Bologna Verona Genova Bari Trieste Lugano Padova Catania Siena Parma Lecce"
    ),
    ("via {w} {n}", "Via {w}, {n}", "piazza {w} {n}", "corso {w} {n}/A", "viale {w}, {n}"),
    "99999",
    _words("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    ("339 9999999", "+39 339 999 9999", "02 99999999", "06 9999 9999"),
    ("AAAAAA99A99A999A", "AA9999999", "AA99999AA"),
)
NL = Words(
    _words(
        "Sanne Daan Femke Jeroen Marieke Bas Lotte Sander Anouk Thijs Wilma Ruud Fleur Maarten Ilse Koen Esther "
        "Joost Naima Hassan Roos Gijs Mirjam Pieter Tessa Wouter Saskia Bram Hanneke Teun Yasmina Cor Jolanda Sjoerd "
        "Noor Willem Annemiek Freek Ingeborg Luuk Petra Rik Doortje Casper"
    ),
    (
        "de Vries",
        "Jansen",
        "van den Berg",
        "Bakker",
        "Visser",
        "Smit",
        "Meijer",
        "de Boer",
        "Mulder",
        "Bos",
        "Vos",
        "Peters",
        "Hendriks",
        "van Leeuwen",
        "Dekker",
        "Brouwer",
        "de Wit",
        "Dijkstra",
        "Smits",
        "de Graaf",
        "van der Meer",
        "Kuipers",
        "Veenstra",
        "Post",
        "Willems",
        "Hoekstra",
        "Koster",
        "Prins",
        "Huisman",
        "Schouten",
        "Ait Hamou",
        "El Amrani",
        "Verhoeven",
        "Scholten",
        "Blom",
        "Kok",
        "Timmermans",
        "Wolters",
    ),
    _words(
        "Amsterdam Utrecht Groningen Leiden Gent Antwerpen Breda Zwolle Delft Arnhem Tilburg Brugge Almere"
    ),
    ("{w}straat {n}", "{w}laan {n}", "{w}weg {n}-{n}", "{w}gracht {n}", "{w}plein {n}"),
    "9999 AA",
    _words("januari februari maart april mei juni juli augustus september oktober november december"),
    ("06-99999999", "06 99 99 99 99", "+31 6 99999999", "020-9999999", "0499 99 99 99"),
    ("999999999", "9999.99.999", "AAA9A9AA9", "99.99.99-999.99"),
)
STREET_WORDS = {
    "en": _words(
        "Maple Station Church Victoria Mill Oak Hillside Park Queens Willow Harbour Orchard Kings Abbey Elm"
    ),
    "de": _words(
        "Linden Bahnhof Goethe Schiller Garten Berg Wald Kirch Rosen Mozart Birken Haupt Ring See Mühlen"
    ),
    "fr": _words(
        "Victor-Hugo Pasteur Moulin Gambetta Lilas Voltaire Château Tilleuls Jean-Jaurès Fontaine Marronniers"
    ),
    "es": _words(
        "Mayor Cervantes Goya Castellana Constitución Colón Velázquez Serrano Paz Alameda Sol Merced Luna"
    ),
    "it": _words(
        "Garibaldi Mazzini Verdi Dante Cavour Manzoni Roma Matteotti Leopardi Galilei Marconi Carducci"
    ),
    "nl": _words(
        "Kerk Dorps Molen Station Prinsen Julian Beuken Schoolhof Wilhelmina Nieuw Haven Eiken Parallel"
    ),
}
LANGUAGES = {"en": EN, "de": DE, "fr": FR, "es": ES, "it": IT, "nl": NL}
# What begins with a capital and is nobody.
THINGS = _words(
    "Outlook Windows Kubernetes Jira Salesforce Monday Friday Contoso Acme Globex Initech Siemens Renault Philips "
    "Postgres Python Docker Berlin Vienna Europe French German Spanish Easter Christmas Excel Teams GitHub Linux"
)
