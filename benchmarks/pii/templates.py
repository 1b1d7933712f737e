"""Sentences with holes: mails, tickets, forms and chats in six languages, filled by chance from `words`.

{p} is a person in one of the ways people are named, {f} a first name, {l} a family name, {a} an address, {b} a date of
birth, {t} a telephone number, {i} a number by which one person is known. {c} is a city, {d} a date, {o} a thing or a
firm, {n} a number: no personal data by themselves.
"""

EN = """
Hi {f}, could you have a look at invoice {n} before {o}?
Dear {p}, thank you for your letter of {d}.
Dear Mr {l}, we regret the delay with order {n}.
Dear Ms {l}, your appointment is on {d} in {c}.
Hello Dr. {l}, the results are in.
Best regards, {p}
Kind regards\\n{p}\\n{o} Ltd, {c}
Cheers, {f}
Thanks,\\n{f} {l}\\n{t}
From: {p}\\nTo: {p}\\nSubject: {o} upgrade
Ticket {n}: {p} cannot log in to {o} since {d}.
Reported by {p}, phone {t}.
Please call {p} back on {t} about the {o} contract.
My number is {t}, ask for {f}.
Name: {p}
Full name: {p}\\nDate of birth: {b}\\nAddress: {a}
Applicant {p}, born {b}, lives at {a}.
Patient: {p} (DOB {b})
DOB: {b}
Passport no. {i}
National insurance number {i}
SSN: {i}, name {p}
Driving licence {i} was issued to {p} on {d}.
Deliver to {p}, {a}.
She moved from {c} to {a} in {n}.
Ship to: {a}
Our office is in {c}; the meeting is on {d}.
{p} and {p} will present the {o} results on {d}.
I talked to {f} yesterday and she agreed with {o}.
hey {f} are you around? ping me on {t}
hey its {f}, new phone, {t}
ok thanks {f}!
@{f} can you restart {o}?
{f} said that {f} is on holiday until {d}
The account of {p} was closed on {d}.
According to {p}, the {o} server failed {n} times.
Emergency contact: {p} ({t})
Tel.: {t}
The customer was born on {b} and holds passport {i}.
Version {n}.{n} of {o} was released on {d}.
{o} and {o} were updated in {c}.
The error occurs in {o} {n}, see section {n}.
Please update {o} before {d} or call support.
Order {n} was shipped to {c} on {d}.
The {o} meeting in {c} starts at {n}:00.
Error {n}: file not found in {o}
"""
DE = """
Hallo {f}, kannst du dir bitte Rechnung {n} ansehen?
Sehr geehrte Frau {l}, vielen Dank für Ihr Schreiben vom {d}.
Sehr geehrter Herr {l}, Ihr Termin ist am {d} in {c}.
Sehr geehrter Herr Dr. {l}, anbei die Unterlagen zu {o}.
Guten Tag {p}, wir haben Ihre Anfrage {n} erhalten.
Liebe {f}, bis {o} dann!
Mit freundlichen Grüßen\\n{p}
Viele Grüße, {f}
Mit freundlichen Grüßen\\n{p}\\n{o} GmbH, {a}\\nTel. {t}
Von: {p}\\nAn: {p}\\nBetreff: Umstellung {o}
Ticket {n}: Frau {l} kann sich seit dem {d} nicht an {o} anmelden.
Gemeldet von {p}, Telefon {t}.
Bitte rufen Sie {p} unter {t} zurück.
Name: {p}
Name, Vorname: {l}, {f}
Geburtsdatum: {b}
Anschrift: {a}
Versicherte {p}, geboren am {b}, wohnhaft {a}.
{p}, geb. {b}, wohnt in {a}.
Steuer-ID {i}
Personalausweis Nr. {i}
Versicherungsnummer: {i}
Die Lieferung an {p}, {a}, ist unterwegs.
Unser Büro ist in {c}, das Treffen ist am {d}.
{p} und {p} stellen am {d} die Ergebnisse von {o} vor.
hi {f} bist du da? ruf mich an {t}
ok danke {f}
meine neue nummer ist {t}, lg {f}
Laut {p} ist {o} am {d} ausgefallen.
Das Konto von {p} wurde am {d} geschlossen.
Ansprechpartner: {p}, Durchwahl {t}
Herr {l} und Frau {l} haben dem Vertrag zugestimmt.
Die Version {n}.{n} von {o} erscheint am {d}.
Bitte aktualisieren Sie {o} vor dem {d}.
Die Bestellung {n} wurde am {d} nach {c} geschickt.
Der Fehler {n} tritt in {o} auf, siehe Kapitel {n}.
Im Anhang finden Sie den Bericht über {o} und {o}.
Das Projekt {o} startet in {c} mit {n} Teilnehmern.
"""
FR = """
Bonjour {f}, peux-tu regarder la facture {n} ?
Madame {l}, nous avons bien reçu votre courrier du {d}.
Cher Monsieur {l}, votre rendez-vous est fixé au {d} à {c}.
Bonjour M. {l}, voici le dossier {n}.
Mme {l} a signalé une panne de {o}.
Cordialement,\\n{p}
Bien à vous, {f} {l}
Merci {f} !
De : {p}\\nÀ : {p}\\nObjet : migration {o}
Ticket {n} : {p} ne peut plus se connecter à {o}.
Signalé par {p}, téléphone {t}.
Merci de rappeler {p} au {t}.
Nom : {p}
Nom : {l}\\nPrénom : {f}\\nNé le {b}
Date de naissance : {b}
Adresse : {a}
{p}, née le {b}, demeurant {a}.
Numéro de sécurité sociale : {i}
Passeport n° {i}
Livrer à {p}, {a}.
salut {f}, t'es là ? mon numéro c'est {t}
D'après {p}, le serveur {o} est tombé le {d}.
{p} et {p} présenteront {o} le {d}.
Notre bureau est à {c}, la réunion aura lieu le {d}.
La version {n} de {o} sort le {d}.
La commande {n} a été expédiée à {c} le {d}.
L'erreur {n} se produit dans {o}, voir la page {n}.
Veuillez mettre à jour {o} avant le {d}.
"""
ES = """
Hola {f}, ¿puedes mirar la factura {n}?
Estimado señor {l}: recibimos su carta del {d}.
Estimada Sra. {l}, su cita es el {d} en {c}.
D. {p}, con DNI {i}, vive en {a}.
Saludos cordiales,\\n{p}
Un saludo, {f}
De: {p}\\nPara: {p}\\nAsunto: cambio de {o}
Incidencia {n}: {p} no puede entrar en {o}.
Avisado por {p}, teléfono {t}.
Por favor, llame a {p} al {t}.
Nombre: {p}
Nombre y apellidos: {p} {l}
Fecha de nacimiento: {b}
Dirección: {a}
{p}, nacida el {b}, con domicilio en {a}.
DNI: {i}
Pasaporte {i}
Enviar a {p}, {a}.
hola {f} soy {f}, este es mi número nuevo {t}
gracias {f}!!
Según {p}, el servidor {o} falló el {d}.
{p} y {p} presentan {o} el {d}.
Nuestra oficina está en {c}; la reunión es el {d}.
La versión {n} de {o} sale el {d}.
El pedido {n} salió hacia {c} el {d}.
El error {n} aparece en {o}, véase la página {n}.
Actualice {o} antes del {d}.
"""
IT = """
Ciao {f}, puoi guardare la fattura {n}?
Gentile signora {l}, abbiamo ricevuto la sua lettera del {d}.
Egregio dott. {l}, il suo appuntamento è il {d} a {c}.
Buongiorno sig. {l}, ecco la pratica {n}.
Cordiali saluti,\\n{p}
A presto, {f}
Da: {p}\\nA: {p}\\nOggetto: passaggio a {o}
Segnalazione {n}: {p} non riesce ad accedere a {o}.
Segnalato da {p}, telefono {t}.
La prego di richiamare {p} al {t}.
Nome e cognome: {p}
Data di nascita: {b}
Indirizzo: {a}
{p}, nato il {b}, residente in {a}.
Codice fiscale: {i}
Passaporto n. {i}
Consegnare a {p}, {a}.
ciao {f} sono {f}, il mio numero è {t}
grazie {f}
Secondo {p}, il server {o} si è fermato il {d}.
{p} e {p} presentano {o} il {d}.
Il nostro ufficio è a {c}; la riunione è il {d}.
La versione {n} di {o} esce il {d}.
L'ordine {n} è partito per {c} il {d}.
L'errore {n} compare in {o}, si veda pagina {n}.
Aggiornare {o} prima del {d}.
"""
NL = """
Hoi {f}, kun je even naar factuur {n} kijken?
Geachte mevrouw {l}, dank voor uw brief van {d}.
Geachte heer {l}, uw afspraak is op {d} in {c}.
Beste {f}, hierbij het verslag over {o}.
Met vriendelijke groet,\\n{p}
Groetjes, {f}
Van: {p}\\nAan: {p}\\nOnderwerp: overstap naar {o}
Melding {n}: {p} kan niet inloggen op {o}.
Gemeld door {p}, telefoon {t}.
Wilt u {p} terugbellen op {t}?
Naam: {p}
Geboortedatum: {b}
Adres: {a}
{p}, geboren op {b}, woont op {a}.
BSN: {i}
Paspoortnummer {i}
Bezorgen bij {p}, {a}.
hoi {f} met {f}, mijn nieuwe nummer is {t}
dankje {f}
Volgens {p} viel {o} uit op {d}.
{p} en {p} presenteren {o} op {d}.
Ons kantoor is in {c}; de vergadering is op {d}.
Versie {n} van {o} verschijnt op {d}.
Bestelling {n} is op {d} naar {c} verstuurd.
Fout {n} treedt op in {o}, zie pagina {n}.
Werk {o} bij voor {d}.
"""
TEMPLATES = {
    language: [line.replace("\\n", "\n") for line in text.strip().split("\n")]
    for language, text in (("en", EN), ("de", DE), ("fr", FR), ("es", ES), ("it", IT), ("nl", NL))
}
