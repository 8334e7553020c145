-- :documents
SELECT kind, count(*), sum(gross_cents) FROM document WHERE organisation_id = :organisation
GROUP BY kind ORDER BY kind

-- :ledger
SELECT sum(e.debit_cents), sum(e.credit_cents),
  sum(CASE WHEN e.share IS NOT NULL THEN e.debit_cents - e.credit_cents ELSE 0 END)
FROM entry e JOIN document d ON d.id = e.document_id WHERE d.organisation_id = :organisation

-- :transmitted
SELECT count(*), sum(invoices), sum(part_amo_cents) FROM transmission
WHERE organisation_id = :organisation

-- :returns
SELECT state, count(*), sum(CASE state WHEN 'P' THEN paid_cents ELSE asked_cents END)
FROM return_line WHERE organisation_id = :organisation
GROUP BY state ORDER BY state

-- :files
SELECT state, count(*) FROM received_file GROUP BY state ORDER BY state

-- :outbox
SELECT state, count(*) FROM outbox WHERE organisation_id = :organisation
GROUP BY state ORDER BY state

-- :closed
SELECT closed_until FROM organisation WHERE id = :organisation
