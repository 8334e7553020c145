-- :closings  in order
SELECT organisation_id, sequence, version, kind, since, until, chain_sequence, chain_link,
  documents, entries, debit_cents, credit_cents, total_debit_cents, total_credit_cents, sealed,
  previous, closed_at, public_key, signature
FROM closing WHERE organisation_id = :organisation AND sequence > :after ORDER BY sequence

-- :last_sequence
SELECT coalesce(max(sequence), 0) FROM closing WHERE organisation_id = :organisation

-- :closed_until
SELECT closed_until FROM organisation WHERE id = :organisation

-- :period  documents, debit and credit dated since, before until
SELECT count(*), coalesce(sum(c.debit_cents), 0), coalesce(sum(c.credit_cents), 0)
FROM document d JOIN chain_link c ON c.document_id = d.id
WHERE d.organisation_id = :organisation AND d.issued_on >= :since AND d.issued_on < :until

-- :period_entries
SELECT count(*) FROM document d JOIN entry e ON e.document_id = d.id
WHERE d.organisation_id = :organisation AND d.issued_on >= :since AND d.issued_on < :until

-- :linked  debit and credit of the links after one, up to another
SELECT coalesce(sum(debit_cents), 0), coalesce(sum(credit_cents), 0) FROM chain_link
WHERE organisation_id = :organisation AND sequence > :after AND sequence <= :upto

-- :stretch  ids and ranks of the documents dated in a period
SELECT min(d.id), max(d.id), min(c.sequence), max(c.sequence)
FROM document d JOIN chain_link c ON c.document_id = d.id
WHERE d.organisation_id = :organisation AND d.issued_on >= :since AND d.issued_on < :until

-- :digests
SELECT c.sequence, d.journal, d.fiscal_year, d.number, c.digest, c.link
FROM chain_link c JOIN document d ON d.id = c.document_id
WHERE c.organisation_id = :organisation AND c.sequence > :after AND c.sequence <= :upto
ORDER BY c.sequence

-- :invoices  PDF files of the documents dated in a period
SELECT o.file_name FROM outbox o JOIN document d ON d.id = o.subject_id
WHERE o.kind = 'invoice_pdf' AND d.organisation_id = :organisation
  AND d.issued_on >= :since AND d.issued_on < :until
ORDER BY o.file_name

-- :by_day  what verify compares with closings
SELECT d.issued_on, count(*), sum(c.debit_cents), sum(c.credit_cents)
FROM document d JOIN chain_link c ON c.document_id = d.id
WHERE d.organisation_id = :organisation GROUP BY d.issued_on

-- :entries_by_day
SELECT d.issued_on, count(*) FROM document d JOIN entry e ON e.document_id = d.id
WHERE d.organisation_id = :organisation GROUP BY d.issued_on

-- :links
SELECT c.sequence, c.link, c.debit_cents, c.credit_cents, d.journal, d.fiscal_year, d.number
FROM chain_link c LEFT JOIN document d ON d.id = c.document_id
WHERE c.organisation_id = :organisation AND c.sequence > :after AND c.sequence <= :upto
ORDER BY c.sequence

-- :last_of_rule_event
SELECT coalesce(max(id), 0) FROM rule_event

-- :last_of_rule_change
SELECT coalesce(max(id), 0) FROM rule_event

-- :last_of_return_line
SELECT coalesce(max(id), 0) FROM return_line

-- :last_of_transmission
SELECT coalesce(max(id), 0) FROM transmission

-- :last_of_transmission_item
SELECT coalesce(max(id), 0) FROM transmission

-- :rule_event
SELECT e.id, e.rule_id, e.sequence, e.kind, e.document_id, e.state
FROM rule_event e JOIN rule r ON r.id = e.rule_id JOIN contract c ON c.id = r.contract_id
WHERE c.organisation_id = :organisation AND e.id > :after AND e.id <= :upto
ORDER BY e.id, e.rule_id, e.sequence

-- :rule_change
SELECT e.id, x.rule_id, x.sequence, x.field, x.changed_at, x.author, x.before, x.after
FROM rule_event e JOIN rule_change x ON x.rule_id = e.rule_id AND x.sequence = e.sequence
  JOIN rule r ON r.id = e.rule_id JOIN contract c ON c.id = r.contract_id
WHERE c.organisation_id = :organisation AND e.id > :after AND e.id <= :upto
ORDER BY e.id, x.field

-- :return_line
SELECT id, organisation_id, transfer, return_type, invoice_number, share, rank, sign, state,
  asked_cents, paid_cents, reasons, dated, invoice_id, document_id, received_file_id
FROM return_line WHERE organisation_id = :organisation AND id > :after AND id <= :upto ORDER BY id

-- :transmission
SELECT id, organisation_id, file_identifier, recipient_kind, recipient, lot, created_on, invoices,
  gross_cents, part_amo_cents, part_amc_cents, digest
FROM transmission WHERE organisation_id = :organisation AND id > :after AND id <= :upto ORDER BY id

-- :transmission_item
SELECT i.transmission_id, i.document_id, i.attempt, i.position
FROM transmission t JOIN transmission_item i ON i.transmission_id = t.id
WHERE t.organisation_id = :organisation AND t.id > :after AND t.id <= :upto
ORDER BY i.transmission_id, i.document_id, i.attempt

-- :orphans  rows that no seal would ever meet
SELECT 'rule_change' FROM rule_change x WHERE NOT EXISTS (
  SELECT 1 FROM rule_event e WHERE e.rule_id = x.rule_id AND e.sequence = x.sequence)
UNION ALL SELECT 'rule_event' FROM rule_event e WHERE NOT EXISTS (
  SELECT 1 FROM rule r WHERE r.id = e.rule_id) OR e.id < 1
UNION ALL SELECT 'transmission_item' FROM transmission_item i WHERE NOT EXISTS (
  SELECT 1 FROM transmission t WHERE t.id = i.transmission_id)
UNION ALL SELECT 'return_line' FROM return_line l WHERE NOT EXISTS (
  SELECT 1 FROM organisation o WHERE o.id = l.organisation_id) OR l.id < 1
UNION ALL SELECT 'transmission' FROM transmission t WHERE NOT EXISTS (
  SELECT 1 FROM organisation o WHERE o.id = t.organisation_id) OR t.id < 1
UNION ALL SELECT 'closing' FROM closing c WHERE NOT EXISTS (
  SELECT 1 FROM organisation o WHERE o.id = c.organisation_id)
