-- :made
SELECT kind, count(*), sum(gross_cents) FROM document WHERE organisation_id = :organisation
GROUP BY kind ORDER BY kind

-- :sent
SELECT kind, count(*), 0 FROM outbox WHERE organisation_id = :organisation AND state = 'sent'
GROUP BY kind ORDER BY kind

-- :transmitted
SELECT 'invoices', coalesce(sum(invoices), 0), coalesce(sum(part_amo_cents + part_amc_cents), 0)
FROM transmission WHERE organisation_id = :organisation

-- :answers  by state: P paid, R rejected, D deferred
SELECT state, count(*), sum(CASE state WHEN 'P' THEN paid_cents ELSE asked_cents END)
FROM return_line WHERE organisation_id = :organisation GROUP BY state ORDER BY state

-- :received
SELECT state, count(*), 0 FROM received_file GROUP BY state ORDER BY state

-- :refused  files refused since an earlier report
SELECT id, report FROM received_file WHERE state = 'refused' AND id > :after
ORDER BY id

-- :waiting
SELECT partner, state, count(*), min(file_name) FROM outbox
WHERE organisation_id = :organisation AND state <> 'sent' GROUP BY partner, state
ORDER BY partner, state

-- :unanswered  invoices that left in a B2 file and that nobody answered
SELECT count(*), coalesce(sum(d.part_amo_cents + d.part_amc_cents), 0), min(f.created_on)
FROM transmission_item i JOIN transmission f ON f.id = i.transmission_id
JOIN document d ON d.id = i.document_id
WHERE f.organisation_id = :organisation AND f.created_on < :before
AND NOT EXISTS (SELECT 1 FROM return_line r WHERE r.invoice_id = i.document_id)
AND NOT EXISTS (SELECT 1 FROM document c WHERE c.credits_id = i.document_id)

-- :overdue  invoices past their day that aren't settled
SELECT count(*), coalesce(sum(due), 0), min(due_on) FROM (
  SELECT d.due_on, sum(e.debit_cents - e.credit_cents) AS due
  FROM document d JOIN entry e ON e.invoice_id = d.id
  WHERE d.organisation_id = :organisation AND d.due_on < :day AND e.share IS NOT NULL
  GROUP BY d.id, d.due_on HAVING sum(e.debit_cents - e.credit_cents) > 0) o

-- :documents
SELECT count(*), count(c.document_id) FROM document d
LEFT JOIN chain_link c ON c.document_id = d.id WHERE d.organisation_id = :organisation

-- :entries
SELECT coalesce(sum(e.debit_cents), 0), coalesce(sum(e.credit_cents), 0),
  coalesce(sum(CASE WHEN e.share IS NOT NULL THEN e.debit_cents - e.credit_cents ELSE 0 END), 0)
FROM entry e JOIN document d ON d.id = e.document_id WHERE d.organisation_id = :organisation

-- :invoiced  what invoices ask, as documents and as entries say it
SELECT coalesce(sum(d.gross_cents), 0), coalesce(sum(e.asked), 0) FROM document d LEFT JOIN (
  SELECT document_id, sum(debit_cents - credit_cents) AS asked FROM entry
  WHERE share IS NOT NULL AND invoice_id = document_id GROUP BY document_id) e
ON e.document_id = d.id
WHERE d.organisation_id = :organisation AND d.kind IN ('contract', 'care')

-- :deliveries  what has to leave, and the rows of the outbox for it
SELECT count(*), count(o.id) FROM (
  SELECT 'invoice_pdf' AS kind, id FROM document
  WHERE organisation_id = :organisation AND kind = 'contract'
  UNION ALL SELECT 'b2', id FROM transmission WHERE organisation_id = :organisation) s
LEFT JOIN outbox o ON o.kind = s.kind AND o.subject_id = s.id

-- :reports  earlier reports, the last one first
SELECT day, report FROM occurrence
WHERE organisation_id = :organisation AND job = 'report' AND state = 'done' AND day < :day
ORDER BY day DESC LIMIT :many

-- :report
SELECT report FROM occurrence
WHERE organisation_id = :organisation AND job = 'report' AND day = :day AND state = 'done'

-- :steps  what the night's steps said
SELECT job, report FROM occurrence
WHERE organisation_id = :organisation AND day = :day AND state = 'done' ORDER BY job
