-- :unrouted
SELECT id, kind, subject_id FROM outbox
WHERE organisation_id = :organisation AND state = 'todo' AND recipient IS NULL
ORDER BY id LIMIT :many

-- :invoice_pdf
SELECT d.id, coalesce(c.code, p.code, ''), coalesce(c.email, '') FROM document d
LEFT JOIN customer c ON c.id = d.customer_id LEFT JOIN patient p ON p.id = d.patient_id
WHERE d.id {ids}

-- :b2
SELECT id, recipient, '' FROM transmission WHERE id {ids}

-- :reading_request
SELECT id, recipient, mail_to FROM reading_request WHERE id {ids}

-- :holds
SELECT partner, since, who, reason FROM partner_hold
WHERE organisation_id = :organisation AND until = '' ORDER BY partner, since

-- :run_silence
SELECT s.id, c.code, c.email FROM silence s JOIN customer c ON c.id = s.customer_id WHERE s.id {ids}

-- :due
SELECT DISTINCT partner FROM outbox
WHERE organisation_id = :organisation AND state = 'todo' AND recipient IS NOT NULL
AND next_try_at <= :now ORDER BY partner

-- :events
SELECT outbox_id, event, at, who, detail FROM outbox_event WHERE outbox_id {ids}
ORDER BY outbox_id, sequence
