-- :documents  with their link, in chain order (a document's id follows its sequence)
SELECT d.id, d.organisation_id, d.journal, d.fiscal_year, d.number, d.kind, d.issued_on, d.due_on,
  d.customer_id, d.site_id, d.patient_id, d.credits_id, d.b2_number, d.market, d.net_cents,
  d.vat_cents, d.gross_cents, d.part_amo_cents, d.part_amc_cents, d.part_patient_cents,
  d.snapshot, d.person_commitment, d.run_id,
  c.version, c.sequence, c.digest, c.link, c.debit_cents, c.credit_cents
FROM document d LEFT JOIN chain_link c ON c.document_id = d.id
WHERE d.organisation_id = :organisation AND d.id > :after AND d.id <= :upto ORDER BY d.id LIMIT :limit

-- :count_links
SELECT count(*) FROM chain_link WHERE organisation_id = :organisation

-- :lines
SELECT document_id, position, rule_id, care_item_id, article, label, since, until, quantity_e6,
  unit_price_e8, net_cents, vat_ppm, details
FROM document_line WHERE document_id {ids} ORDER BY document_id, position

-- :care_lines
SELECT document_id, position, lpp, nature, type, gross_cents, tariff_cents, base_cents, rate_pct,
  part_amo_cents, part_amc_cents, part_patient_cents, exemption, agreement, agreement_on
FROM care_line WHERE document_id {ids} ORDER BY document_id, position

-- :entries
SELECT document_id, position, dated, account, auxiliary, debit_cents, credit_cents, invoice_id,
  share
FROM entry WHERE document_id {ids} ORDER BY document_id, position

-- :parts
SELECT subject_kind, subject_id, part, unit, revision, document_id, line_position
FROM billed_part WHERE document_id {ids}

-- :numbering  rows that don't follow their predecessor by one, or are dated before it
SELECT journal, fiscal_year, number, previous, early FROM (
  SELECT journal, fiscal_year, number,
    lag(number) OVER w AS previous,
    CASE WHEN issued_on < lag(issued_on) OVER w THEN 1 ELSE 0 END AS early
  FROM document WHERE organisation_id = :organisation
  WINDOW w AS (PARTITION BY journal, fiscal_year ORDER BY number)
) numbered
WHERE number <> coalesce(previous, 0) + 1 OR early = 1
ORDER BY journal, fiscal_year, number LIMIT 1

-- :lost_parts
SELECT d.journal, d.fiscal_year, d.number FROM billed_part p JOIN document d ON d.id = p.document_id
WHERE d.organisation_id = :organisation AND NOT EXISTS (
  SELECT 1 FROM document_line l
  WHERE l.document_id = p.document_id AND l.position = p.line_position
    AND ((p.subject_kind = 'rule' AND l.rule_id = p.subject_id)
      OR (p.subject_kind = 'care' AND l.care_item_id = p.subject_id)
      OR (p.subject_kind = 'fee' AND l.rule_id IS NULL AND l.care_item_id IS NULL)
      OR p.subject_kind IN ('run', 'kit', 'line')))
ORDER BY d.id LIMIT 1

-- :lines_without_part
SELECT d.journal, d.fiscal_year, d.number
FROM document d JOIN document_line l ON l.document_id = d.id
WHERE d.organisation_id = :organisation AND d.credits_id IS NULL
  AND (l.rule_id IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM billed_part p
         WHERE p.subject_kind = 'rule' AND p.subject_id = l.rule_id
           AND p.document_id = l.document_id AND p.line_position = l.position)
    OR l.care_item_id IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM billed_part p
         WHERE p.subject_kind = 'care' AND p.subject_id = l.care_item_id
           AND p.document_id = l.document_id AND p.line_position = l.position)
    OR l.rule_id IS NULL AND l.care_item_id IS NULL AND EXISTS (  -- a fee, behind rules
         SELECT 1 FROM document_line r WHERE r.document_id = l.document_id
           AND r.rule_id IS NOT NULL)
       AND NOT EXISTS (
         SELECT 1 FROM billed_part p
         WHERE p.document_id = l.document_id AND p.line_position = l.position))
ORDER BY d.id LIMIT 1

-- :count_parts
SELECT count(*) FROM billed_part p JOIN document d ON d.id = p.document_id
WHERE d.organisation_id = :organisation

-- :rules
SELECT r.id, r.code, r.opening, s.next_theoretical, s.state, s.events, s.last_document_id
FROM rule r JOIN contract c ON c.id = r.contract_id LEFT JOIN rule_state s ON s.rule_id = r.id
WHERE c.organisation_id = :organisation AND r.id > :after ORDER BY r.id LIMIT :limit

-- :events
SELECT rule_id, sequence, document_id, state FROM rule_event WHERE rule_id {ids}
ORDER BY rule_id, sequence
