-- :documents
SELECT d.id, d.journal, d.fiscal_year, d.number, d.kind, d.issued_on, d.due_on, d.market,
  d.net_cents, d.vat_cents, d.gross_cents, d.part_amo_cents, d.part_amc_cents,
  d.part_patient_cents, d.snapshot, d.patient_id
FROM document d WHERE d.id {ids} ORDER BY d.id

-- :lines
SELECT l.document_id, l.label, l.since, l.until, l.quantity_e6, l.unit_price_e8, l.net_cents,
  l.vat_ppm, l.details, c.gross_cents, c.part_amo_cents, c.part_amc_cents, c.part_patient_cents,
  k.code
FROM document_line l
LEFT JOIN care_line c ON c.document_id = l.document_id AND c.position = l.position
LEFT JOIN rule r ON r.id = l.rule_id LEFT JOIN contract k ON k.id = r.contract_id
WHERE l.document_id {ids} ORDER BY l.document_id, l.position

-- :runs  analyses billed by these documents, each once whatever its cost lines
SELECT p.document_id, p.line_position, n.ran_at, n.person_id, n.species, n.sample_type, a.code,
  a.serial
FROM billed_part p JOIN analysis n ON n.id = p.subject_id JOIN asset a ON a.id = n.asset_id
WHERE p.subject_kind = 'run' AND p.document_id {ids} ORDER BY p.document_id, p.line_position

-- :patients
SELECT id, person_id FROM patient WHERE id {ids}
