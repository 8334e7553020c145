-- :candidates  care invoices a fund still owes, never sent
SELECT d.id, d.snapshot,
  (SELECT max(l.until) FROM document_line l WHERE l.document_id = d.id)
FROM document d
WHERE d.organisation_id = :organisation AND d.kind = 'care' AND d.part_amo_cents > 0
  AND d.issued_on <= :work_date
  AND NOT EXISTS (SELECT 1 FROM transmission_item t WHERE t.document_id = d.id)
  AND (SELECT sum(e.debit_cents - e.credit_cents) FROM entry e
       WHERE e.invoice_id = d.id AND e.share = 'AMO') > 0
ORDER BY d.id

-- :documents  with the AMC share they ask: what a first invoice already got isn't asked again
SELECT d.id, d.b2_number, d.snapshot, p.id, p.person_id, p.insured_person_id, p.birth_rank,
  (SELECT sum(e.debit_cents - e.credit_cents) FROM entry e
   WHERE e.document_id = d.id AND e.invoice_id = d.id AND e.share = 'AMC')
FROM document d JOIN patient p ON p.id = d.patient_id
WHERE d.id {documents} ORDER BY d.id

-- :lines
SELECT l.document_id, l.since, l.until, l.quantity_e6, l.unit_price_e8, c.lpp, c.nature, c.type,
  c.gross_cents, c.tariff_cents, c.base_cents, c.rate_pct, c.part_amo_cents, c.part_amc_cents,
  c.exemption, c.agreement, c.agreement_on
FROM document_line l
JOIN care_line c ON c.document_id = l.document_id AND c.position = l.position
WHERE l.document_id {documents} ORDER BY l.document_id, l.position

-- :sender
SELECT am_number, finess, name FROM organisation WHERE id = :organisation

-- :transmission
SELECT organisation_id, file_identifier, recipient_kind, recipient, lot, created_on, digest
FROM transmission WHERE id = :id

-- :items
SELECT document_id FROM transmission_item WHERE transmission_id = :id ORDER BY position
