-- :last  number of the last export and rank of the chain it went up to
SELECT number, until_sequence FROM ledger_export WHERE organisation_id = :organisation
ORDER BY number DESC LIMIT 1

-- :one
SELECT number, layout, since_sequence, until_sequence, entries, debit_cents, file_name
FROM ledger_export WHERE organisation_id = :organisation AND number = :number

-- :totals
SELECT count(*), coalesce(sum(e.debit_cents), 0)
FROM chain_link c JOIN entry e ON e.document_id = c.document_id
WHERE c.organisation_id = :organisation AND c.sequence > :after AND c.sequence <= :upto
  AND e.debit_cents + e.credit_cents > 0

-- :head
SELECT coalesce(max(sequence), 0) FROM chain_link WHERE organisation_id = :organisation

-- :entries  in order of the chain, a page of links at a time
SELECT c.sequence, d.journal, d.fiscal_year, d.number, d.kind, d.issued_on, d.due_on, e.account,
  e.auxiliary, e.debit_cents, e.credit_cents
FROM chain_link c JOIN document d ON d.id = c.document_id JOIN entry e ON e.document_id = d.id
WHERE c.organisation_id = :organisation AND c.sequence > :after AND c.sequence <= :upto
  AND e.debit_cents + e.credit_cents > 0
ORDER BY c.sequence, e.position
