-- :contracts  contracts with a rule that bills deliveries
SELECT c.id, c.code, c.label, c.customer_id, c.group_id, c.status, c.activity FROM contract c
WHERE c.organisation_id = :organisation
  AND EXISTS (SELECT 1 FROM rule r WHERE r.contract_id = c.id AND r.kind {kinds})
ORDER BY c.id

-- :deliveries  every delivery line, with the rule and the document that billed it
SELECT d.id, d.number, d.line, d.delivered_on, a.code, d.article, d.label, d.article_class,
  d.quantity, c.code, r.code, f.journal, f.fiscal_year, f.number
FROM delivery d
LEFT JOIN asset a ON a.id = d.asset_id
LEFT JOIN billed_part p ON p.subject_kind = 'kit' AND p.subject_id = d.id AND p.part = '1'
LEFT JOIN document f ON f.id = p.document_id
LEFT JOIN document_line l ON l.document_id = p.document_id AND l.position = p.line_position
LEFT JOIN rule r ON r.id = l.rule_id
LEFT JOIN contract c ON c.id = r.contract_id
WHERE d.organisation_id = :organisation ORDER BY d.delivered_on, d.number, d.line
